"""The console: pages over the same API that programs use. It holds nothing, and has no right that the API has not."""
