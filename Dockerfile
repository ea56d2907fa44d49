# Stage 1 builds the wheel with the pinned build backend.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/build.txt
RUN python -m pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY adapters adapters
COPY gateway gateway
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# Stage 2 holds the pinned dependencies and the wheel; no compiler, no checkout.
FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="Tallyway" \
      org.opencontainers.image.licenses="MIT"
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TALLYWAY_DATA=/data
WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN python -m pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/run.txt
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
RUN install -d -o 10001 -g 10001 -m 0750 /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as ask; ask.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["tallyway", "serve", "--host", "0.0.0.0", "--port", "8000"]
