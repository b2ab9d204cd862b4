"""What becomes of an event: a repeat? whom is it for? what does the cell say? what is owed and answered?"""
