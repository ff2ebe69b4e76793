"""What the tests share: servers, sites, traffic, fixtures."""
