//! the story of the demo and the tests over all processes.
