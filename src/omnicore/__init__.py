"""omnicore."""
