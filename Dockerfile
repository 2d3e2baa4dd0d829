# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --require-hashes -r requirements.txt
COPY . .
# The key is thrown away with this line: collecting files needs settings, but nothing that is signed.
RUN SECRET_KEY=only-while-the-image-is-built DATA_DIR=/tmp \
    /venv/bin/python manage.py collectstatic --no-input --verbosity 1 \
    && /venv/bin/python -m compileall -q config newsletter subscribers delivery desk outbox


FROM python:3.13-slim

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data
RUN groupadd --gid 10001 courant \
    && useradd --uid 10001 --gid courant --no-create-home --shell /usr/sbin/nologin courant \
    && install --directory --owner courant --group courant /data
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app

USER 10001:10001
VOLUME /data
EXPOSE 8000
# For the web process. Workers and beat have checks of their own in docker-compose.yml.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "/app/deploy/healthcheck.py"]
CMD ["gunicorn", "config.wsgi", "--config", "/app/deploy/gunicorn.py"]
