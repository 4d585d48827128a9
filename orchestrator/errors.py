"""Every error that Switchboard raises on purpose, and the shape in which a client gets it.

Each class is defined where it is raised; the tree is drawn here.

    SwitchboardError             internal_error           500             model_servers.contracts
    ├─ ModelError                model_error              500
    │  ├─ ModelUnavailable       model_unavailable        503  retryable
    │  │  ├─ Unreachable         model_unavailable        503  retryable  model_servers.chat_errors
    │  │  └─ Unready             model_unavailable        503  retryable  model_servers.chat_errors
    │  ├─ EndpointFailed         model_error              502             model_servers.chat_errors
    │  ├─ ModelBusy              rate_limit_exceeded      429  retryable
    │  ├─ ModelRefused           invalid_request          400
    │  ├─ ContextTooLong         context_length_exceeded  400
    │  ├─ ProfileError           profile_unsupported      501
    │  ├─ WeightsError           weights_error            503
    │  │  └─ UnknownModel        model_not_found          404             model_servers.catalog
    │  ├─ VoicesMissing          voices_missing           501             model_servers.kokoro
    │  └─ ItemFailed             item_error               422             model_servers.pool
    ├─ RecommenderError          recommender_error        409             model_servers.recommenders
    ├─ DeadlineExceeded          deadline_exceeded        504  retryable
    ├─ ToolError                 tool_error               422             tools.errors
    │  ├─ InvalidInput           invalid_input            400
    │  ├─ NoShop                 no_shop                  409             tools.recommend_items
    │  ├─ NoVoice                voice_unavailable        422             tools.speech
    │  └─ ToolFault              tool_fault               500             orchestrator.executor
    ├─ NotFound                  not_found                404             tools.errors
    ├─ StorageUnavailable        storage_unavailable      503  retryable
    ├─ RegistryError             invalid_tool             500             tools.registry
    ├─ StoreUnavailable          knowledge_unavailable    503  retryable  tools.knowledge.vectors
    ├─ PlanError                 invalid_plan             422             orchestrator.plan
    ├─ BudgetExceeded            budget_exceeded          422             orchestrator.budget
    ├─ Overloaded                rate_limit_exceeded      429  retryable  orchestrator.admission
    ├─ Stopping                  service_stopping         503  retryable
    ├─ DatabaseError             database_error           500             orchestrator.errors
    │  └─ DatabaseUnavailable    database_unavailable     503  retryable
    ├─ RequestError              invalid_request          400             orchestrator.errors
    │  ├─ BadRequest             invalid_request          400
    │  ├─ AuthenticationFailed   invalid_api_key          401
    │  ├─ PermissionDenied       permission_denied        403
    │  ├─ UnknownRoute           unknown_route            404
    │  ├─ UnknownModel           model_not_found          404
    │  ├─ MethodNotAllowed       method_not_allowed       405
    │  ├─ Conflict               conflict                 409
    │  ├─ PayloadTooLarge        request_too_large        413
    │  └─ UnsupportedMedia       unsupported_media_type   415
    ├─ TrainingFailed            training_failed          500             orchestrator.errors
    ├─ HomeError                 home_error               503             orchestrator.home
    │  └─ BadHome                bad_home                 400
    ├─ ServeError                serve_error              500             orchestrator.server
    │  └─ AlreadyRunning         already_running          409
    ├─ ServiceError              service_error            500             orchestrator.client
    │  ├─ ServiceRefused         service_refused          400
    │  ├─ ServiceFailed          service_failed           500
    │  └─ ServiceUnavailable     service_unavailable      503  retryable
    ├─ ServiceGone               service_gone             503  retryable  evals.ways
    ├─ NoWay                     no_way                   400             evals.watched
    ├─ SemanticRouterMissing     semantic_router_missing  501           evals.baselines
    ├─ UnknownTask               unknown_task             404             evals.task_list
    ├─ DatasetError              dataset_error            400             evals.datasets
    ├─ MetricError               metric_error             422             evals.metrics
    ├─ RunError                  run_error                400             evals.run_folder
    │  ├─ RunInUse               run_in_use               409
    │  └─ RunMismatch            run_mismatch             400
    ├─ TaskBroken                task_broken              500             evals.runner
    ├─ ReportError               report_error             400             evals.report
    ├─ BadCatalogue              bad_catalogue            400             evals.baselines
    ├─ InvalidReply              invalid_reply            422             evals.baselines
    ├─ BadUsage                  bad_usage                400             orchestrator.commands
    └─ CommandBroken             command_broken           500             orchestrator.cli
"""

from __future__ import annotations

from typing import Any

from model_servers.contracts import SwitchboardError


class DatabaseError(SwitchboardError):
    """The state's database can't be used as it is set up."""

    code = "database_error"


class DatabaseUnavailable(DatabaseError):
    """The state's database does not answer just now."""

    code = "database_unavailable"
    http_status = 503
    retryable = True


class RequestError(SwitchboardError):
    """A request that can't be served as it was sent."""

    code = "invalid_request"
    http_status = 400


class BadRequest(RequestError):
    """A field of the request is missing, unknown or wrong."""


class AuthenticationFailed(RequestError):
    """The API key is missing or not valid."""

    code = "invalid_api_key"
    http_status = 401


class PermissionDenied(RequestError):
    """The request may not be made from where it comes from."""

    code = "permission_denied"
    http_status = 403


class UnknownRoute(RequestError):
    """Nothing is served under this address."""

    code = "unknown_route"
    http_status = 404


class UnknownModel(RequestError):
    """No model has this name."""

    code = "model_not_found"
    http_status = 404


class MethodNotAllowed(RequestError):
    """The address exists, but not for this HTTP method."""

    code = "method_not_allowed"
    http_status = 405


class Conflict(RequestError):
    """What is asked does not go with the state that the thing is in."""

    code = "conflict"
    http_status = 409


class PayloadTooLarge(RequestError):
    """The request's body is larger than the service takes."""

    code = "request_too_large"
    http_status = 413


class UnsupportedMedia(RequestError):
    """The body's content type or encoding is not one that the service reads."""

    code = "unsupported_media_type"
    http_status = 415


class TrainingFailed(SwitchboardError):
    """A training run ended without a model; what is in service stays."""

    code = "training_failed"
    http_status = 500


_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def to_openai(error: SwitchboardError) -> dict[str, Any]:
    """The body of OpenAI's error responses: `{"error": {message, type, param, code}}`."""
    kind = "server_error" if error.http_status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(error.http_status, kind),
            "param": error.param,
            "code": error.code,
        }
    }
