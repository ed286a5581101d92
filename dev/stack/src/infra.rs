//! The parts that are not ours: a MySQL primary, its replica and Kafka, wherever they come from.

use std::path::Path;

use anyhow::{Context, Result};
use parts::{Kafka, Missing, Mysql, MysqlServer, Wait};

use crate::containers::{KafkaContainer, MysqlContainers};
use crate::mysql::Role;
use crate::proc::Proc;
use crate::registry::Registry;
use crate::server::Server;
use crate::{kafka, mysql, replication};

/// Running servers and their addresses. What was started here ends with it.
#[derive(Debug)]
pub struct Infra {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
    pub(crate) brokers: String,
    mysql: MysqlHold,
    kafka: KafkaHold,
}

#[derive(Debug)]
enum MysqlHold {
    Given,
    Containers(Box<MysqlContainers>),
    Processes { primary: Box<mysql::Node>, replica: Box<mysql::Node> },
}

#[derive(Debug)]
enum KafkaHold {
    Given,
    Container(Box<KafkaContainer>),
    Process(Box<kafka::Node>),
}

impl Infra {
    /// Finds the parts, says which were chosen, and starts them side by side.
    pub(crate) async fn start(dir: &Path, registry: &Registry) -> Result<Self> {
        let (from_mysql, from_kafka) = find().await?;
        let wait = Wait::start("starting MySQL and Kafka");
        wait.say(&from_mysql.to_string());
        wait.say(&from_kafka.to_string());
        let mysql = start_mysql(from_mysql, dir, registry);
        let kafka = start_kafka(from_kafka, dir, registry);
        let ((primary, replica, mysql), (brokers, kafka)) = tokio::try_join!(mysql, kafka)?;
        Ok(Self { primary, replica, brokers, mysql, kafka })
    }

    /// The first of our processes that ended by itself.
    pub(crate) fn ended(&mut self) -> Option<&str> {
        let mut procs: Vec<&mut Proc> = Vec::new();
        if let MysqlHold::Processes { primary, replica } = &mut self.mysql {
            procs.extend([&mut primary.proc, &mut replica.proc]);
        }
        if let KafkaHold::Process(node) = &mut self.kafka {
            procs.push(&mut node.proc);
        }
        procs.into_iter().find_map(|proc| matches!(proc.exited(), Ok(Some(_)) | Err(_)).then(|| proc.name()))
    }

    /// Stops what was started here, side by side.
    pub(crate) async fn stop(self) -> Result<()> {
        let mysql = async {
            match self.mysql {
                MysqlHold::Given => Ok(()),
                MysqlHold::Containers(containers) => containers.stop().await,
                MysqlHold::Processes { mut primary, mut replica } => {
                    tokio::try_join!(primary.stop(), replica.stop()).map(drop)
                }
            }
        };
        let kafka = async {
            match self.kafka {
                KafkaHold::Given => Ok(()),
                KafkaHold::Container(container) => container.stop().await,
                KafkaHold::Process(mut node) => node.stop().await,
            }
        };
        let (mysql, kafka) = tokio::join!(mysql, kafka);
        mysql.and(kafka)
    }
}

/// Looking may mean downloading, which blocks.
async fn find() -> Result<(Mysql, Kafka)> {
    let mysql = tokio::task::spawn_blocking(|| parts::mysql(&Wait::start("MySQL")));
    let kafka = tokio::task::spawn_blocking(|| parts::kafka(&Wait::start("Kafka")));
    let (mysql, kafka): (Result<Mysql, Missing>, Result<Kafka, Missing>) = tokio::try_join!(mysql, kafka)?;
    Ok((mysql?, kafka?))
}

async fn start_mysql(from: Mysql, dir: &Path, registry: &Registry) -> Result<(Server, Server, MysqlHold)> {
    match from {
        Mysql::Url { primary, replica } => {
            Ok((Server::of_url(&primary)?, Server::of_url(&replica)?, MysqlHold::Given))
        }
        Mysql::Container(_) => {
            let containers = MysqlContainers::start(dir).await.context("starting MySQL in containers")?;
            Ok((
                containers.primary.clone(),
                containers.replica.clone(),
                MysqlHold::Containers(Box::new(containers)),
            ))
        }
        Mysql::Server(program) => {
            let (primary, replica) = start_pair(&program, dir, registry).await?;
            let hold = |primary, replica| MysqlHold::Processes { primary, replica };
            Ok((primary.server.clone(), replica.server.clone(), hold(Box::new(primary), Box::new(replica))))
        }
    }
}

async fn start_pair(
    program: &MysqlServer,
    dir: &Path,
    registry: &Registry,
) -> Result<(mysql::Node, mysql::Node)> {
    let node = |role| mysql::Node::start(program, role, dir, registry, "");
    let (primary, replica) = tokio::try_join!(node(Role::Primary), node(Role::Replica))?;
    replication::follow(&primary, &replica).await?;
    Ok((primary, replica))
}

async fn start_kafka(from: Kafka, dir: &Path, registry: &Registry) -> Result<(String, KafkaHold)> {
    match from {
        Kafka::Url { brokers } => {
            kafka::answers(&brokers).await?;
            Ok((brokers, KafkaHold::Given))
        }
        Kafka::Container(_) => {
            let container = KafkaContainer::start().await.context("starting Kafka in a container")?;
            Ok((container.brokers.clone(), KafkaHold::Container(Box::new(container))))
        }
        Kafka::Server(program) => {
            let node = kafka::Node::start(&program, dir, registry).await?;
            Ok((node.brokers.clone(), KafkaHold::Process(Box::new(node))))
        }
    }
}
