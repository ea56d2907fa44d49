"""How an event is taken: read from what trackers and servers send, and handed to the site's backend."""
