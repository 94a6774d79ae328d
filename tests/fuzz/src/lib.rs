//! Fuzz targets lie in `tests/`: text that others write, and that must never make pullaudit panic or say more than
//! it knows. `cargo test -p pullaudit-fuzz` runs each for a while; `cargo bolero test -p pullaudit-fuzz TARGET` runs one
//! for as long as one likes, guided by what it covers.
