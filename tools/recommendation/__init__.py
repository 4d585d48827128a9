"""Items of a shop, what people did with them, and how the tool that recommends asks for them."""
