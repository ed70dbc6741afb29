"""Mappings to formats that others speak; one module for each format. Pure: text and bytes in, values out."""
