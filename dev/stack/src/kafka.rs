//! Kafka as a process of ours: one node that is broker and controller, on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use parts::{Cache, KafkaServer, Wait};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ports::free_port;
use crate::proc::{Proc, Spec};
use crate::registry::Registry;

/// One node: what is replicated three times in production is there once. Topics are made on purpose only.
const SETTINGS: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=1000
";
const LOGGING: &str = "\
rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = STDOUT
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %p %m (%c)%n
";
const MACHINE: [&str; 4] = ["-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
const START_LIMIT: Duration = Duration::from_mins(2);
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A running broker.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) proc: Proc,
    pub(crate) brokers: String,
}

impl Node {
    /// Starts a fresh broker below `stack_dir` and waits until it answers.
    pub(crate) async fn start(program: &KafkaServer, stack_dir: &Path, registry: &Registry) -> Result<Self> {
        let dir = stack_dir.join("kafka");
        let data = dir.join("data");
        let (of, to) = (program.clone(), data.clone());
        tokio::task::spawn_blocking(move || copy_flat(&template(&of)?, &to)).await??;
        let brokers = format!("127.0.0.1:{}", free_port()?);
        let config = write_config(&dir, &data, &brokers, &format!("127.0.0.1:{}", free_port()?))?;
        let logging = dir.join("log4j2.properties");
        fs::write(&logging, LOGGING).with_context(|| format!("writing {}", logging.display()))?;
        let told = format!("-Dlog4j2.configurationFile=file:{}", logging.display());
        let mut machine = MACHINE.to_vec();
        machine.push(&told);
        let mut command = program.command(&machine, "kafka.Kafka");
        command.arg(&config);
        let log = stack_dir.join("logs/kafka.log");
        let proc = Proc::start(Spec { name: "kafka", command, log, registry: Some(registry) })?;
        let mut node = Self { proc, brokers };
        let until = Instant::now() + START_LIMIT;
        while answers(&node.brokers).await.is_err() {
            node.proc.still_starting(until, "an answer of the broker")?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(node)
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.proc.terminate(STOP_LIMIT).await.map(drop)
    }
}

/// Asks which API versions the broker speaks: the smallest question that only a broker answers.
pub(crate) async fn answers(brokers: &str) -> Result<()> {
    const QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let first = brokers.split(',').next().unwrap_or(brokers);
    let ask = async {
        let mut stream = TcpStream::connect(first).await?;
        stream.write_all(&QUESTION).await?;
        let mut head = [0_u8; 10];
        stream.read_exact(&mut head).await?;
        let (correlation, error) = (&head[4..8], &head[8..10]);
        if correlation != [0, 0, 0, 7] || error != [0, 0] {
            bail!("{first} does not answer as a broker does");
        }
        Ok(())
    };
    match tokio::time::timeout(Duration::from_secs(3), ask).await {
        Ok(answer) => answer.with_context(|| format!("asking the broker {first}")),
        Err(_) => bail!("the broker {first} does not answer in time"),
    }
}

/// A formatted log directory of this version, made once.
fn template(program: &KafkaServer) -> Result<PathBuf> {
    let wait = Wait::start("Kafka");
    let place = Cache::of_user()?.part(&format!("kafka-data-{}-1", program.version()), &wait, |dir| {
        wait.step("formatting a log directory, once per version");
        format_storage(program, dir).map_err(|e| format!("{e:#}"))
    });
    Ok(place?.join("data"))
}

fn format_storage(program: &KafkaServer, dir: &Path) -> Result<()> {
    let config = write_config(dir, &dir.join("data"), "127.0.0.1:9092", "127.0.0.1:9093")?;
    let mut command = program.command(&["-Xmx256m"], "kafka.tools.StorageTool");
    // the id of the cluster only has to be well-formed: each stack is a cluster of one
    command.args(["format", "--cluster-id", "bGVkZ2VyLWRldi1zdGFjaw", "--config"]).arg(&config);
    let done = command.stdin(Stdio::null()).output().context("starting StorageTool")?;
    if !done.status.success() {
        bail!("StorageTool ended with {}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}

fn copy_flat(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))
                .with_context(|| format!("copying {entry:?}"))?;
        }
    }
    Ok(())
}

fn write_config(dir: &Path, data: &Path, broker: &str, controller: &str) -> Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    let path = dir.join("server.properties");
    let text = format!(
        "listeners=PLAINTEXT://{broker},CONTROLLER://{controller}\nadvertised.listeners=PLAINTEXT://{broker}\n\
         controller.quorum.voters=1@{controller}\nlog.dirs={}\n{SETTINGS}",
        data.display()
    );
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}
