"""One libcst codemod a file: each rewrite with its own examples."""
