"""The least that Django needs to serve the workloads with django-bolt."""

SECRET_KEY = "of a benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django_bolt"]
BOLT_API = ["api:api"]
USE_TZ = True
LOGGING_CONFIG = None
