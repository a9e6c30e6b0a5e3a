"""A KServe InferenceService: Triton's runtime for an export, or a container that runs `headstart serve`.

https://kserve.github.io/website: "serving.kserve.io/v1beta1", "Triton", "Custom Predictor".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from headstart.artifact.deploy.contents import EXTRAS, below, bundle_files, program, python_version
from headstart.artifact.deploy.target import Settings, Source
from headstart.artifact.deploy.triton import BACKENDS, CLIENT, computation, repository
from headstart.durable import Content
from headstart.errors import RequestError

MANIFEST, UPLOADED = "inferenceservice.yaml", "model"
PORT = 8080
# Where KServe puts what lies at the storage's address.
MOUNTED = "/mnt/models"


class KServe:
    """The manifest, and a folder `model` that is to be put where the manifest says."""

    name: ClassVar[str] = "kserve"

    @staticmethod
    def engines(settings: Settings) -> tuple[str, ...]:
        """Those of Triton, unless headstart itself is run.

        Raises:
            RequestError: no address of the storage is given.
        """
        if "://" not in settings.storage_uri:
            raise RequestError(
                "KServe fetches the model from a storage, and no address of one is given.",
                "Give one, such as --storage-uri s3://bucket/path.",
            )
        return () if settings.image else tuple(BACKENDS)

    @staticmethod
    def files(source: Source, settings: Settings) -> Mapping[str, Content]:
        """The manifest and the model; with an image, also how it is built."""
        if settings.image:
            return {
                "README.md": _readme_of_container(settings).encode(),
                MANIFEST: container_manifest(settings).encode(),
                "Dockerfile": dockerfile(source).encode(),
                **below(UPLOADED, bundle_files(source)),
            }
        return {
            "README.md": _readme_of_triton(source, settings).encode(),
            MANIFEST: triton_manifest(settings).encode(),
            **below(UPLOADED, {**repository(source, settings), CLIENT: program("triton_client.py")}),
        }


def triton_manifest(settings: Settings) -> str:
    """For the runtime kserve-tritonserver, which an installation of KServe brings."""
    return f"""\
{_head(settings)}    model:
      modelFormat:
        name: triton
      runtime: kserve-tritonserver
      protocolVersion: v2
      storageUri: {json.dumps(settings.storage_uri)}
"""


def _head(settings: Settings) -> str:
    """What every manifest begins with; what predicts comes below."""
    return f"""\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {settings.name}
spec:
  predictor:
"""


def container_manifest(settings: Settings) -> str:
    """For a container that runs `headstart serve`; its token is a secret beside it."""
    return f"""\
{_head(settings)}    containers:
      - name: kserve-container
        image: {json.dumps(settings.image)}
        args:
          - serve
          - {MOUNTED}
          - --service=/tmp/service
          - --host=0.0.0.0
          - --port={PORT}
          - --name={settings.name}
          - --max-batch={settings.max_batch}
          - --max-wait={settings.max_wait_ms:g}
        env:
          # KServe fetches it into {MOUNTED}.
          - name: STORAGE_URI
            value: {json.dumps(settings.storage_uri)}
          - name: PROTOCOL
            value: v2
          - name: HEADSTART_TOKEN
            valueFrom:
              secretKeyRef:
                name: {settings.name}-token
                key: token
        ports:
          - containerPort: {PORT}
            protocol: TCP
        readinessProbe:
          httpGet:
            path: /readyz
            port: {PORT}
          periodSeconds: 5
        livenessProbe:
          httpGet:
            path: /healthz
            port: {PORT}
          # Opening a model and asking it its golden samples takes a while.
          initialDelaySeconds: 30
          periodSeconds: 10
          failureThreshold: 12
        resources:
          requests:
            cpu: "1"
            memory: 2Gi
          limits:
            memory: 4Gi
        securityContext:
          allowPrivilegeEscalation: false
          runAsNonRoot: true
          capabilities:
            drop:
              - ALL
"""


def dockerfile(source: Source) -> str:
    """Of an image with headstart and no model."""
    minor = ".".join(python_version(source).split(".")[:2])
    wanted = ",".join(["serve", *(extra.strip("[]") for extra in {EXTRAS.get(source.engine, "")} if extra)])
    return f"""\
# The wheel of headstart lies beside this file: pip wheel --no-deps --wheel-dir . PATH_OF_HEADSTART
FROM python:{minor}-slim
# pip brings torch for GPUs, some gigabytes larger than that for processors alone, which torch's own site has:
# --build-arg TORCH_FROM="--index-url ADDRESS" takes it from there.
ARG TORCH_FROM=""
RUN pip install --no-cache-dir torch torchvision $TORCH_FROM
COPY headstart-*.whl /tmp/
RUN pip install --no-cache-dir "$(ls /tmp/headstart-*.whl)[{wanted}]"
ENV HOME=/tmp HEADSTART_CACHE=/tmp/cache HF_HUB_OFFLINE=1
USER 1000
WORKDIR /tmp
ENTRYPOINT ["headstart"]
"""


def _readme_of_triton(source: Source, settings: Settings) -> str:
    return f"""# {settings.name} on KServe, by Triton

Put what is *in* `{UPLOADED}/` at `{settings.storage_uri}`,
so that `{settings.name}/config.pbtxt` lies right below it; with a client of that storage, such as
`aws s3 sync {UPLOADED} {settings.storage_uri}`. Then:

    kubectl apply -f {MANIFEST}
    python {UPLOADED}/{CLIENT} HOST:PORT --header Host:SERVICE_HOST --check

HOST:PORT is the cluster's ingress, SERVICE_HOST what `kubectl get inferenceservice {settings.name}`
shows as URL, without `http://`. The client needs headstart, and `pip install 'tritonclient[http]'`.

The network is computed by {computation(source)}.
Triton asks for no token: who may ask is the ingress's matter.
"""


def _readme_of_container(settings: Settings) -> str:
    return f"""# {settings.name} on KServe, by headstart serve

Put what is *in* `{UPLOADED}/` at `{settings.storage_uri}`,
so that `bundle.json` lies right below it; with a client of that storage, such as
`aws s3 sync {UPLOADED} {settings.storage_uri}`. Make the image and the token:

    pip wheel --no-deps --wheel-dir . PATH_OF_HEADSTART
    docker build -t {settings.image} . && docker push {settings.image}
    kubectl create secret generic {settings.name}-token --from-literal=token="$(openssl rand -hex 24)"

Then:

    kubectl apply -f {MANIFEST}
    curl -H "Authorization: Bearer $TOKEN" -H "Host: SERVICE_HOST" -F file=@photo.jpg http://HOST:PORT/predict

HOST:PORT is the cluster's ingress, SERVICE_HOST what `kubectl get inferenceservice {settings.name}`
shows as URL, without `http://`. Texts are sent as `--data 'a text' -H 'Content-Type: text/plain'`.

What it records is in /tmp/service of the container, and gone with it: mount a volume there to keep it.
"""
