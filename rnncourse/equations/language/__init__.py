"""The language of the equations: LaTeX in, trees with their source spans out, and printers back."""
