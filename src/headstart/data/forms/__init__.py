"""How examples of each kind are written in tables and folders: what cells and files mean."""
