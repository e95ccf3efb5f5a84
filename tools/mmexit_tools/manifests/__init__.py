"""Windows as files: evaluation manifests written and read, and the recording that ships with the project."""
