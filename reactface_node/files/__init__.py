"""Files and folders: whole or not there, read with care, downloaded, and found beside the code."""
