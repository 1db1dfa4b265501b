"""The renderer: people in places, with the truth about them. Start reading at scene.py."""
