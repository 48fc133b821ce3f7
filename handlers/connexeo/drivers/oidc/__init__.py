"""Users of OpenID Connect providers: access tokens checked, user data fetched."""
