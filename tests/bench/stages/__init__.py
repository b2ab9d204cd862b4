"""Where a webhook's time goes, stage by stage; `__main__` measures it, `wrapped` says what is a stage."""
