"""Rule books: read, validated line by line, versioned and published."""
