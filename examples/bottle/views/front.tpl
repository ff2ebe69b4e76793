Bottle says: {{greeting}}!
