"""The parts of the test clients: requests, responses, cookies, and what carries them."""
