"""The webhook below /arrpush: releases are announced here, and it tells what became of them."""
