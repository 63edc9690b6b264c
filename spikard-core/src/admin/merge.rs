//! Metrics of several workers as those of one server: the families once, their samples side by side.

use std::collections::HashMap;

/// The lines of one metric.
#[derive(Default)]
struct Family {
    head: Vec<String>,
    samples: Vec<String>,
}

/// One text of those of all workers; none: the worker did not answer.
pub(super) fn merged(texts: impl Iterator<Item = (usize, Option<String>)>) -> String {
    let mut families: Vec<Family> = vec![Family {
        head: ["# HELP spikard_worker_up Whether the worker answers.", "# TYPE spikard_worker_up gauge"]
            .map(str::to_owned)
            .into(),
        samples: Vec::new(),
    }];
    let mut known: HashMap<String, usize> = HashMap::new();
    for (worker, text) in texts {
        families[0].samples.push(format!("spikard_worker_up{{worker=\"{worker}\"}} {}", u8::from(text.is_some())));
        let mut current = 0;
        for line in text.iter().flat_map(|text| text.lines()).filter(|line| *line != "# EOF") {
            match line.strip_prefix("# ").and_then(|comment| comment.split(' ').nth(1)) {
                Some(name) => {
                    current = *known.entry(name.to_owned()).or_insert_with(|| {
                        families.push(Family::default());
                        families.len() - 1
                    });
                    if !families[current].head.iter().any(|head| head == line) {
                        families[current].head.push(line.to_owned());
                    }
                }
                None => families[current].samples.push(labelled(line, worker)),
            }
        }
    }
    let lines = families.into_iter().flat_map(|family| family.head.into_iter().chain(family.samples));
    lines.map(|line| line + "\n").chain(["# EOF\n".to_owned()]).collect()
}

/// A sample with the label of its worker.
fn labelled(line: &str, worker: usize) -> String {
    let Some((sample, value)) = line.rsplit_once(' ') else { return line.to_owned() };
    match sample.strip_suffix('}') {
        Some(labels) => format!("{labels},worker=\"{worker}\"}} {value}"),
        None => format!("{sample}{{worker=\"{worker}\"}} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_stands_once_with_the_samples_of_all_workers() {
        let one = "# HELP a A.\n# TYPE a counter\na_total{x=\"}\"} 1\n# HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n";
        let other = "# HELP b B.\n# TYPE b gauge\nb 3\n# HELP a A.\n# TYPE a counter\na_total{x=\"y\"} 4\n# EOF\n";
        let texts = [(0, Some(one.to_owned())), (1, None), (2, Some(other.to_owned()))];
        assert_eq!(
            merged(texts.into_iter()),
            "# HELP spikard_worker_up Whether the worker answers.\n# TYPE spikard_worker_up gauge\n\
             spikard_worker_up{worker=\"0\"} 1\nspikard_worker_up{worker=\"1\"} 0\nspikard_worker_up{worker=\"2\"} 1\n\
             # HELP a A.\n# TYPE a counter\na_total{x=\"}\",worker=\"0\"} 1\na_total{x=\"y\",worker=\"2\"} 4\n\
             # HELP b B.\n# TYPE b gauge\nb{worker=\"0\"} 2\nb{worker=\"2\"} 3\n# EOF\n"
        );
    }
}
