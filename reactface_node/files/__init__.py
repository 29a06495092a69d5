"""Files and folders: atomic writing, checked reading, downloads, and files of the installation."""
