//! A throwaway chain with the suite deployed, for the demo and the tests.
