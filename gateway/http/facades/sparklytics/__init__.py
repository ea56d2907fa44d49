"""The Sparklytics-shaped API: websites (seed 002) and collect, over any backend."""
