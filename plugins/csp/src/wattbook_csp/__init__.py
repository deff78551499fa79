"""Import the carbon figures that cloud providers computed."""
