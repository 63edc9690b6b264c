"""The programs in `examples/`, started as their first lines say and used by clients as people have them."""
