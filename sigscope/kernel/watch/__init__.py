"""The sources of a watch: each gives the events of model.watch, in the order of their time."""
