"""The only door: carrier webhooks, the media relay, the tenants' API and the page."""
