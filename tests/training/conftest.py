import sys
from pathlib import Path

# The toy task and network are shared by this room's tests and by the processes they kill.
sys.path.insert(0, str(Path(__file__).parent))
