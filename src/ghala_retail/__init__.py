"""The retail pack: sources, a dbt package, features and use cases of a retailer."""
