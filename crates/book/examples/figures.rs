//! Draws the figures of the book: `cargo run -p wengert-book --example figures`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/book/src/figures");
    std::fs::create_dir_all(&folder)?;
    for (name, drawing) in wengert_book::figures::all()? {
        std::fs::write(folder.join(name), drawing)?;
        println!("{name}");
    }
    Ok(())
}
