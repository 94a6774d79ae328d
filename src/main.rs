//! The program; everything is in the library.

fn main() -> std::process::ExitCode {
    pullaudit::run::main()
}
