"""What an exported model's folder is called by; see ``model/export.py``."""

FORMAT, VERSION, MANIFEST = "reactface onnx", 1, "model.json"
HELP = "`reactface weights --export FOLDER` makes one"
