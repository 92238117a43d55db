"""Do groups, or two batteries, measure the same construct on the same scale?"""
