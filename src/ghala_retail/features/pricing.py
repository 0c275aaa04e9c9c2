"""What pricing says of how demand follows prices, for other use cases to read."""

from ghala.features.definitions import Said, predictions_of

price_response = predictions_of(
    "finance/pricing", name="price_response", owner="Finance", entity=("sku", "zone"),
    says=(Said("elasticity", description="Per cent of units for one per cent of price."),),
)  # fmt: skip
