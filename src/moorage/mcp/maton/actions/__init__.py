"""The actions of the apps whose operations Moorage knows: found by words, described, and made into calls."""
