"""Results as people read them: numbers as text, messages in two languages, tables and charts."""
