//! A server as Python starts it: the gateway with Python's leaves, on tokio's side of a loop.

use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use pyo3::BoundObject;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};
use spikard_core::admin::{Admin, Serving, Shown};
use spikard_core::config::{Loaded, Report, load, process_environment};
use spikard_core::server::{Drain, Live, Local, Served, Server as HttpServer, Settings, Signals, Stop};
use spikard_core::workers::Worker;
use spikard_core::{Body, Gateway, ServerConfig, Service};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::applications::Applications;
use crate::config;
use crate::engine::{Engine, Transport};
use crate::log;
use crate::promise;
use crate::queue::Queue;
use crate::turn::Turns;
use crate::workers;

/// The routes of an app, ready to answer on one event loop.
#[pyclass(frozen, module = "spikard._spikard")]
pub(crate) struct Server {
    config: ServerConfig,
    gateway: Arc<Gateway>,
    /// What the admin listener shows, until it does.
    shown: Mutex<Option<Shown>>,
    applications: Applications,
    side: Side,
    stop: Mutex<Option<Stop>>,
    worker: Mutex<Option<Worker>>,
    /// Serves clients of this process.
    local: OnceLock<Arc<Local>>,
}

/// tokio's side of an event loop.
struct Side {
    engine: Arc<Engine>,
    queue: Option<Arc<Queue>>,
    /// Ends the thread of tokio, where it has one of its own.
    thread: Mutex<Option<oneshot::Sender<()>>>,
}

impl Side {
    fn of(event_loop: &Bound<'_, PyAny>, turns: Option<&Turns>) -> PyResult<Self> {
        let (handle, queue, thread) = if let Some(turns) = turns {
            (turns.handle(), None, None)
        } else {
            let (handle, thread) = own_thread()?;
            (handle, Some(Queue::new()?), Some(thread))
        };
        let transport = queue.as_ref().map_or(Transport::Here, |queue| Transport::Queue(Arc::clone(queue)));
        Ok(Self { engine: Engine::new(event_loop, transport, handle)?, queue, thread: Mutex::new(thread) })
    }
}

impl Server {
    fn local(&self) -> &Arc<Local> {
        self.local.get_or_init(|| {
            let served = Served::of(&self.config, Arc::clone(&self.gateway));
            Arc::new(Local::new(Live::serving(served), Settings::of(&self.config, &self.gateway)))
        })
    }

    fn build(py: Python<'_>, loaded: Loaded, applications: Applications, side: Side) -> Result<Self, Report> {
        log::begin();
        let worker = workers::take();
        let written = loaded;
        let loaded = written.mount(&applications, &process_environment)?;
        let ctx = worker.as_ref().map_or_else(|| loaded.context(), |worker| worker.context(&loaded.directory));
        let built = py.detach(|| Gateway::build_loaded(&loaded, &ctx, &applications));
        let gateway = Arc::new(built.map_err(|error| loaded.locate(error))?);
        let shown = Shown::of_file(Arc::clone(&gateway), written);
        let config = loaded.config;
        Ok(Self {
            shown: Mutex::new(Some(shown)),
            config,
            gateway,
            applications,
            side,
            stop: Mutex::default(),
            worker: Mutex::new(worker),
            local: OnceLock::new(),
        })
    }
}

#[pymethods]
impl Server {
    /// The routes `routes` (`_plan.Route`) behind the policies of `config`, on `event_loop`. With
    /// `turns` tokio runs in the selector of that loop, else on a thread of its own.
    #[new]
    #[pyo3(signature = (routes, hooks, config, event_loop, turns=None))]
    fn new(
        py: Python<'_>,
        routes: &Bound<'_, PyList>,
        hooks: &Bound<'_, PyAny>,
        config: &Bound<'_, PyAny>,
        event_loop: &Bound<'_, PyAny>,
        turns: Option<PyRef<'_, Turns>>,
    ) -> PyResult<Self> {
        let side = Side::of(event_loop, turns.as_deref())?;
        let applications = Applications::new(Arc::clone(&side.engine));
        let routes = applications.add(routes, hooks)?;
        let loaded = config::load(config, routes)?;
        Self::build(py, loaded, applications, side).map_err(|report| config::wrong(&report))
    }

    /// The routes of a configuration file and of the applications that it names.
    #[staticmethod]
    #[pyo3(signature = (file, event_loop, turns=None))]
    fn of_file(py: Python<'_>, file: PathBuf, event_loop: &Bound<'_, PyAny>, turns: Option<PyRef<'_, Turns>>) -> PyResult<Self> {
        let side = Side::of(event_loop, turns.as_deref())?;
        let applications = Applications::new(Arc::clone(&side.engine));
        let built = load(&file, &process_environment).and_then(|loaded| Self::build(py, loaded, applications, side));
        built.map_err(|report| config::wrong(&report))
    }

    /// The applications that the configuration names, whose lifespans are the caller's affair.
    #[getter]
    fn applications(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.applications.objects(py)
    }

    /// The descriptor that is readable while there is work for the loop; none if it shares its
    /// thread with tokio.
    #[getter]
    fn descriptor(&self) -> Option<i32> {
        self.side.queue.as_ref().map(|queue| queue.descriptor())
    }

    /// Does the work that waits for the loop.
    fn run_queue(&self, py: Python<'_>) -> PyResult<()> {
        if let Some(queue) = &self.side.queue {
            queue.run(py);
        }
        crate::thread::failure().map_or(Ok(()), Err)
    }

    /// Listens and serves. The futures of asyncio `listening` and `ended` are told of both: the
    /// first gets the addresses, the second for how many seconds the end had been asked for when it came.
    #[pyo3(signature = (host, port, listening, ended))]
    fn start(&self, host: String, port: u16, listening: Py<PyAny>, ended: Py<PyAny>) -> PyResult<()> {
        let (stop, signals) = Signals::by_hand();
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(stop);
        let settings = Settings::of(&self.config, &self.gateway);
        let mut content = Served::of(&self.config, Arc::clone(&self.gateway));
        let engine = Arc::clone(&self.side.engine);
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        let config = self.config.clone();
        if let Some(worker) = &worker {
            worker.obey(signals.stop())?;
        }
        self.side.engine.runtime.spawn(async move {
            let mut worker = worker;
            let role = worker.as_mut().map_or(Role::Alone, |worker| Role::Worker(worker.take_admin()));
            let server = match bind(worker, &mut content, &host, port, settings).await {
                Ok(server) => server,
                Err(error) => {
                    return engine.on_loop(move |py| fail(py, &listening, PyOSError::new_err(error)));
                }
            };
            let drain = server.drain();
            let admin = match admin(&config, shown, drain.clone(), role).await {
                Ok(admin) => admin,
                Err(error) => return engine.on_loop(move |py| fail(py, &listening, PyOSError::new_err(error))),
            };
            let addresses: Vec<(String, u16)> =
                server.addresses().iter().map(|address| (address.ip().to_string(), address.port())).collect();
            engine.on_loop(move |py| resolve(py, &listening, addresses));
            let asked = async {
                drain.begun().await;
                engine.closing.begin();
                Instant::now()
            };
            let (_, asked) = tokio::join!(server.run(Live::serving(content), signals), asked);
            if let Some(admin) = admin {
                admin.end().await;
            }
            engine.on_loop(move |py| resolve(py, &ended, asked.elapsed().as_secs_f64()));
        });
        Ok(())
    }

    /// Asks for a graceful end; the second time for an end at once.
    fn stop(&self) {
        match &*self.stop.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(stop) => stop.signal(),
            None => self.side.engine.closing.begin(),
        }
    }

    /// Sends a request through the stack, without a socket: an awaitable of status, header lines and body.
    fn request<'py>(
        &self,
        method: &str,
        target: &str,
        headers: Vec<(String, String)>,
        content: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let body = Bytes::copy_from_slice(content.as_bytes());
        let request = request.body(Body::from(body)).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let gateway = Arc::clone(&self.gateway);
        promise::of(content.py(), &self.side.engine, async move {
            let (parts, body) = gateway.call(request).await.into_parts();
            // A copy: what runs after the answer waits for the bytes themselves.
            let body = body.collect().await.map(|body| Bytes::copy_from_slice(&body.to_bytes()));
            move |py: Python<'_>| {
                let body = body.map_err(|error| PyRuntimeError::new_err(format!("the body broke off: {error}")))?;
                let lines: Vec<(String, String)> = parts.headers.iter().map(line).collect();
                let answer = (parts.status.as_u16(), lines, PyBytes::new(py, &body)).into_pyobject(py)?;
                Ok(answer.into_any().unbind())
            }
        })
    }

    /// The descriptor of a connection to the server, which needs no port for it. The caller closes it.
    fn connect(&self) -> PyResult<i32> {
        let (client, ours) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let _inside = self.side.engine.runtime.enter();
        let served = self.local().serve(tokio::net::UnixStream::from_std(ours)?);
        if served { Ok(client.into_raw_fd()) } else { Err(PyOSError::new_err("the server has too many connections")) }
    }

    /// An awaitable of the end of all such connections.
    fn disconnect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let local = self.local.get().cloned();
        promise::of(py, &self.side.engine, async move {
            if let Some(local) = local {
                local.end().await;
            }
            |py: Python<'_>| Ok(py.None())
        })
    }

    /// Calls a function on a thread of the pool for handlers. To be awaited.
    fn on_thread<'py>(&self, py: Python<'py>, function: Py<PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let engine = &self.side.engine;
        promise::of(py, engine, Arc::clone(engine).call_on_thread(function))
    }

    /// An awaitable that is done when all that connections have told the loop until now has come there.
    fn caught_up<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        promise::of(py, &self.side.engine, async {
            tokio::task::yield_now().await;
            |py: Python<'_>| Ok(py.None())
        })
    }

    /// Ends tokio's own thread, if it has one.
    fn close(&self) {
        drop(self.side.thread.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// How many requests may still have work to do when their answers are over.
    #[getter]
    fn open_scopes(&self) -> usize {
        self.side.engine.scopes.load(Ordering::Relaxed)
    }

    /// What was built but is probably not what was meant.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.gateway.warnings().iter().map(|warning| format!("{}: {}", warning.at, warning.message)).collect()
    }
}

/// Listens: on the sockets that a worker was handed, else on the host and port.
async fn bind(
    worker: Option<Worker>,
    content: &mut Served,
    host: &str,
    port: u16,
    settings: Settings,
) -> Result<HttpServer, String> {
    match worker {
        None => HttpServer::bind(host, port, settings).await.map_err(|error| error.to_string()),
        Some(mut worker) => {
            content.wrap(|service| worker.counted(service));
            let server = HttpServer::from_listeners(worker.take_listeners(), settings).map_err(|error| error.to_string())?;
            worker.ready();
            Ok(server)
        }
    }
}

/// What a process is to the one that started it.
enum Role {
    Alone,
    /// Its supervisor has the admin listener, if there is one, and asks on this connection.
    Worker(Option<UnixStream>),
}

/// Opens the admin listener, where there is one and it belongs to this process.
async fn admin(config: &ServerConfig, shown: Option<Shown>, drain: Drain, role: Role) -> Result<Option<Serving>, String> {
    let Some(shown) = shown else { return Ok(None) };
    let serving = match role {
        Role::Alone => Admin::bind(config, shown, drain).await.map(|admin| admin.map(Admin::serve)),
        Role::Worker(Some(asked)) => Admin::answer_supervisor(asked, shown, drain).map(|()| None),
        Role::Worker(None) => Ok(None),
    };
    serving.map_err(|error| error.to_string())
}

/// tokio on a thread of its own, until the sender is dropped.
fn own_thread() -> PyResult<(Handle, oneshot::Sender<()>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("spikard-server".into()).spawn(move || runtime.block_on(receiver))?;
    Ok((handle, sender))
}

fn line((name, value): (&http::HeaderName, &http::HeaderValue)) -> (String, String) {
    (name.as_str().to_owned(), value.as_bytes().iter().copied().map(char::from).collect())
}

fn resolve<'py>(py: Python<'py>, future: &Py<PyAny>, value: impl IntoPyObject<'py>) {
    let value = match value.into_pyobject(py).map_err(Into::into) {
        Ok(value) => value.into_any().unbind(),
        Err(error) => return fail(py, future, error),
    };
    settle(future.bind(py), "set_result", value.into_bound(py));
}

fn fail(py: Python<'_>, future: &Py<PyAny>, error: PyErr) {
    settle(future.bind(py), "set_exception", error.into_value(py).into_bound(py).into_any());
}

fn settle<'py>(future: &Bound<'py, PyAny>, how: &str, value: Bound<'py, PyAny>) {
    let settled = future
        .call_method0("done")
        .and_then(|done| if done.is_truthy()? { Ok(()) } else { future.call_method1(how, (value,)).map(drop) });
    if let Err(error) = settled {
        error.write_unraisable(future.py(), Some(future));
    }
}
