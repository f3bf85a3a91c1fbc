//! Programs that only answer what was recorded, for tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use super::{Call, Fault, Output, Run, Sink, System};

/// Answers of programs by the beginning of their command line, and what was run. Copies share both.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded(Arc<Mutex<Record>>);

#[derive(Debug, Default)]
struct Record {
    answers: BTreeMap<String, Output>,
    real: BTreeSet<String>,
    ran: Vec<String>,
}

impl Recorded {
    /// From now on, a command line that begins so ends well and prints that.
    pub(crate) fn answer(&self, begins: &str, prints: &str) -> &Self {
        self.end(begins, 0, prints)
    }

    /// The same with an exit code.
    pub(crate) fn end(&self, begins: &str, code: i32, prints: &str) -> &Self {
        let output = Output { code: Some(code), stdout: prints.to_owned(), stderr: String::new() };
        self.0.lock().unwrap().answers.insert(begins.to_owned(), output);
        self
    }

    /// From now on, a program is run for real.
    pub(crate) fn real(&self, program: &str) {
        self.0.lock().unwrap().real.insert(program.to_owned());
    }

    /// The command lines since this was last asked.
    pub(crate) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().ran)
    }

    /// The same without those that only look.
    pub(crate) fn changed(&self) -> Vec<String> {
        let looks = [" show", " list-unit-files", "dpkg-query", " showhold", " -t ", " inspect", " --show-cursor"];
        self.ran().into_iter().filter(|line| !looks.iter().any(|look| line.contains(look))).collect()
    }
}

impl Run for Recorded {
    /// What nobody recorded ends well and prints nothing.
    async fn run(&self, call: Call<'_>) -> Result<Output, Fault> {
        let line = std::iter::once(&call.program).chain(call.arguments).copied().collect::<Vec<_>>().join(" ");
        let answer = {
            let mut record = self.0.lock().unwrap();
            let fitting = record.answers.iter().filter(|(begins, _)| line.starts_with(*begins));
            let answer = fitting.max_by_key(|(begins, _)| begins.len()).map(|(_, output)| output.clone());
            record.ran.push(line);
            if record.real.contains(call.program) { None } else { Some(answer) }
        };
        match answer {
            Some(answer) => {
                let mut answer = answer.unwrap_or(Output { code: Some(0), ..Output::default() });
                if let Some(Sink { path, most }) = call.sink {
                    let most = usize::try_from(most).unwrap().min(answer.stdout.len());
                    std::fs::write(path, &std::mem::take(&mut answer.stdout)[..most]).unwrap();
                }
                Ok(answer)
            }
            None => System.run(call).await,
        }
    }
}
