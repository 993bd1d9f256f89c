#!/bin/sh
set -e
name=$(basename "$INPUT_FILE_PATH")
echo "Hello, $name"
tr '[:lower:]' '[:upper:]' < "$INPUT_FILE_PATH" > "$TMP_OUTPUT_DIR/$name"
