# The program in an image: worker, sink and API are the same image with another command.
#   docker build -t loyalty-webhooks .
#   docker run --rm loyalty-webhooks settings
# docker-compose.yml and docs/deploy run it. tests/test_image.py runs the steps below without an engine.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Each file is compared with its hash in the lock. A wheel needs no compiler.
COPY requirements.lock ./
RUN pip download --quiet --require-hashes --no-deps --only-binary :all: --dest /wheels --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY connectors connectors
COPY schemas schemas
COPY streams streams
RUN pip install --quiet --no-index --find-links /wheels hatchling editables
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /dist .
# What the tests need stays in this stage: pip takes only what the program asks for.
RUN python -m venv --without-pip /opt/loyalty
RUN pip --python /opt/loyalty/bin/python install --quiet --no-index --find-links /wheels /dist/*.whl

FROM python:${PYTHON}-slim-bookworm
LABEL org.opencontainers.image.title="loyalty-webhooks" \
      org.opencontainers.image.description="A loyalty programme's facts go in as Avro records on Kafka; webhooks come out as HTTP POSTs." \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 loyalty \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/loyalty --create-home --shell /usr/sbin/nologin loyalty
COPY --from=build /opt/loyalty /opt/loyalty
ENV PATH=/opt/loyalty/bin:$PATH \
    LOYALTY_HOME=/var/lib/loyalty \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/loyalty
# Tables and restore positions: the only place that is written to, besides /tmp.
VOLUME /var/lib/loyalty
STOPSIGNAL SIGTERM
ENTRYPOINT ["loyalty"]
CMD ["--help"]
