//! The page itself, in the program. A path is looked up in a table; none ever reaches the file system.

use crate::answer::{Answer, Refusal};
use axum::Router;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A file of the page: its path, its type and its bytes.
type Asset = (&'static str, &'static str, &'static [u8]);

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! assets {
    ($($path:literal $kind:ident $file:literal,)*) => {
        &[$(($path, $kind, include_bytes!(concat!("../assets/", $file)))),*]
    };
}

const ASSETS: &[Asset] = assets![
    "/" HTML "index.html",
    "/style.css" STYLE "style.css",
    "/latent.css" STYLE "latent.css",
    "/icon.svg" SVG "icon.svg",
    "/js/main.js" SCRIPT "js/main.js",
    "/js/api.js" SCRIPT "js/api.js",
    "/js/chart.js" SCRIPT "js/chart.js",
    "/js/dom.js" SCRIPT "js/dom.js",
    "/js/views/latent.js" SCRIPT "js/views/latent.js",
    "/js/views/latent/code.js" SCRIPT "js/views/latent/code.js",
    "/js/views/latent/maps.js" SCRIPT "js/views/latent/maps.js",
    "/js/views/latent/others.js" SCRIPT "js/views/latent/others.js",
    "/js/views/latent/pad.js" SCRIPT "js/views/latent/pad.js",
    "/js/views/latent/picture.js" SCRIPT "js/views/latent/picture.js",
    "/js/views/latent/run.js" SCRIPT "js/views/latent/run.js",
    "/js/views/latent/source.js" SCRIPT "js/views/latent/source.js",
    "/js/views/latent/ways.js" SCRIPT "js/views/latent/ways.js",
    "/js/views/latent/work.js" SCRIPT "js/views/latent/work.js",
    "/js/views/playground.js" SCRIPT "js/views/playground.js",
    "/js/views/playground/curves.js" SCRIPT "js/views/playground/curves.js",
    "/js/views/playground/form.js" SCRIPT "js/views/playground/form.js",
    "/js/views/playground/plane.js" SCRIPT "js/views/playground/plane.js",
    "/js/views/playground/session.js" SCRIPT "js/views/playground/session.js",
    "/js/views/tape.js" SCRIPT "js/views/tape.js",
    "/js/views/tape/drawing.js" SCRIPT "js/views/tape/drawing.js",
    "/js/views/tape/story.js" SCRIPT "js/views/tape/story.js",
    "/js/views/tape/walk.js" SCRIPT "js/views/tape/walk.js",
    "/js/views/training.js" SCRIPT "js/views/training.js",
    "/js/views/training/curves.js" SCRIPT "js/views/training/curves.js",
    "/js/views/training/gradients.js" SCRIPT "js/views/training/gradients.js",
    "/js/views/training/history.js" SCRIPT "js/views/training/history.js",
    "/js/views/training/pictures.js" SCRIPT "js/views/training/pictures.js",
    "/vendor/uPlot.esm.js" SCRIPT "vendor/uPlot.esm.js",
    "/vendor/uPlot.min.css" STYLE "vendor/uPlot.min.css",
    "/vendor/dagre.esm.js" SCRIPT "vendor/dagre.esm.js",
];

/// A route for each file.
pub fn routes() -> Router {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let tag = tag(asset.2);
        router.route(asset.0, get(move |headers: HeaderMap| async move { send(asset, &tag, &headers) }))
    })
}

/// The answer where there is no route.
pub async fn missing(uri: Uri) -> Answer {
    Err(Refusal::missing(format!("there is nothing at {}", uri.path())))
}

/// The file, or that the browser has it already.
fn send(asset: &Asset, tag: &str, headers: &HeaderMap) -> Response {
    let (_, kind, bytes) = *asset;
    // A browser asks each time, so that a newer program shows its newer page.
    let common: [(HeaderName, &str); 2] = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-cache")];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, [(header::CONTENT_TYPE, kind)], bytes).into_response()
}

fn tag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views;

    #[test]
    fn every_view_has_its_module() {
        for view in views::all() {
            let path = format!("/js/views/{}.js", view.name);
            assert!(ASSETS.iter().any(|asset| asset.0 == path), "{path}");
        }
    }

    #[test]
    fn every_file_that_a_module_asks_for_is_there() {
        for (path, kind, bytes) in
            ASSETS.iter().filter(|asset| asset.1 == SCRIPT && !asset.0.starts_with("/vendor"))
        {
            let text = std::str::from_utf8(bytes).unwrap();
            for line in text.lines().filter(|line| line.starts_with("import ") || line.starts_with("} from "))
            {
                let wanted = line.split(['"', '\'']).nth(1);
                let Some(wanted) = wanted else { continue };
                assert!(ASSETS.iter().any(|asset| asset.0 == wanted), "{path} ({kind}) imports {wanted}");
            }
        }
    }
}
