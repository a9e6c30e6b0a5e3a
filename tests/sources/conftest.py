import sys
from pathlib import Path

# The networks with known weights are shared by this room's tests.
sys.path.insert(0, str(Path(__file__).parent))
