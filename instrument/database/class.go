package database

import "slices"

// A Class says what kind of error a database gave. There are few: they are the values of a label.
type Class string

// Classes that a program meets whatever the database is.
const (
	// Canceled: the caller gave up.
	Canceled Class = "canceled"
	// DeadlineExceeded: the caller's time was up.
	DeadlineExceeded Class = "deadline_exceeded"
	// BadConnection: the connection was unusable before anything was asked, [database/sql/driver.ErrBadConn].
	// database/sql tries again on another one.
	BadConnection Class = "bad_connection"
	// Busy: somebody else holds the lock: SQLite's BUSY and LOCKED, MySQL's lock wait time-out.
	Busy Class = "busy"
	// Other is what is none of the classes.
	Other Class = "other"
)

// The classes of SQLSTATE, with the names of PostgreSQL's manual, appendix A. SQLite's and MySQL's own codes are sorted
// into them. 08 is also every error of the network.
const (
	Warning                            Class = "warning"
	NoData                             Class = "no_data"
	SQLStatementNotYetComplete         Class = "sql_statement_not_yet_complete"
	ConnectionException                Class = "connection_exception"
	TriggeredActionException           Class = "triggered_action_exception"
	FeatureNotSupported                Class = "feature_not_supported"
	InvalidTransactionInitiation       Class = "invalid_transaction_initiation"
	LocatorException                   Class = "locator_exception"
	InvalidGrantor                     Class = "invalid_grantor"
	InvalidRoleSpecification           Class = "invalid_role_specification"
	DiagnosticsException               Class = "diagnostics_exception"
	XQueryError                        Class = "xquery_error"
	CaseNotFound                       Class = "case_not_found"
	CardinalityViolation               Class = "cardinality_violation"
	DataException                      Class = "data_exception"
	IntegrityConstraintViolation       Class = "integrity_constraint_violation"
	InvalidCursorState                 Class = "invalid_cursor_state"
	InvalidTransactionState            Class = "invalid_transaction_state"
	InvalidSQLStatementName            Class = "invalid_sql_statement_name"
	TriggeredDataChangeViolation       Class = "triggered_data_change_violation"
	InvalidAuthorizationSpecification  Class = "invalid_authorization_specification"
	DependentPrivilegeDescriptorsExist Class = "dependent_privilege_descriptors_still_exist"
	InvalidTransactionTermination      Class = "invalid_transaction_termination"
	SQLRoutineException                Class = "sql_routine_exception"
	InvalidCursorName                  Class = "invalid_cursor_name"
	ExternalRoutineException           Class = "external_routine_exception"
	ExternalRoutineInvocationException Class = "external_routine_invocation_exception"
	SavepointException                 Class = "savepoint_exception"
	InvalidCatalogName                 Class = "invalid_catalog_name"
	InvalidSchemaName                  Class = "invalid_schema_name"
	TransactionRollback                Class = "transaction_rollback"
	SyntaxErrorOrAccessRuleViolation   Class = "syntax_error_or_access_rule_violation"
	WithCheckOptionViolation           Class = "with_check_option_violation"
	InsufficientResources              Class = "insufficient_resources"
	ProgramLimitExceeded               Class = "program_limit_exceeded"
	ObjectNotInPrerequisiteState       Class = "object_not_in_prerequisite_state"
	OperatorIntervention               Class = "operator_intervention"
	SystemError                        Class = "system_error"
	SnapshotFailure                    Class = "snapshot_failure"
	ConfigurationFileError             Class = "configuration_file_error"
	ForeignDataWrapperError            Class = "foreign_data_wrapper_error"
	PLpgSQLError                       Class = "plpgsql_error"
	InternalError                      Class = "internal_error"
)

// kind is what is known of a class: the first two characters of its SQLSTATE, and the exception of Python's DB-API
// (PEP 249) that psycopg2 raises for them.
type kind struct {
	class            Class
	sqlstate, python string
}

const (
	pyDatabase     = "DatabaseError"
	pyData         = "DataError"
	pyIntegrity    = "IntegrityError"
	pyInterface    = "InterfaceError"
	pyInternal     = "InternalError"
	pyNotSupported = "NotSupportedError"
	pyOperational  = "OperationalError"
	pyProgramming  = "ProgrammingError"
)

var kinds = []kind{
	{Warning, "01", pyDatabase},
	{NoData, "02", pyDatabase},
	{SQLStatementNotYetComplete, "03", pyDatabase},
	{ConnectionException, "08", pyOperational},
	{TriggeredActionException, "09", pyDatabase},
	{FeatureNotSupported, "0A", pyNotSupported},
	{InvalidTransactionInitiation, "0B", pyDatabase},
	{LocatorException, "0F", pyDatabase},
	{InvalidGrantor, "0L", pyDatabase},
	{InvalidRoleSpecification, "0P", pyDatabase},
	{DiagnosticsException, "0Z", pyDatabase},
	{XQueryError, "10", pyDatabase},
	{CaseNotFound, "20", pyProgramming},
	{CardinalityViolation, "21", pyProgramming},
	{DataException, "22", pyData},
	{IntegrityConstraintViolation, "23", pyIntegrity},
	{InvalidCursorState, "24", pyInternal},
	{InvalidTransactionState, "25", pyInternal},
	{InvalidSQLStatementName, "26", pyOperational},
	{TriggeredDataChangeViolation, "27", pyOperational},
	{InvalidAuthorizationSpecification, "28", pyOperational},
	{DependentPrivilegeDescriptorsExist, "2B", pyInternal},
	{InvalidTransactionTermination, "2D", pyInternal},
	{SQLRoutineException, "2F", pyInternal},
	{InvalidCursorName, "34", pyOperational},
	{ExternalRoutineException, "38", pyInternal},
	{ExternalRoutineInvocationException, "39", pyInternal},
	{SavepointException, "3B", pyInternal},
	{InvalidCatalogName, "3D", pyProgramming},
	{InvalidSchemaName, "3F", pyProgramming},
	{TransactionRollback, "40", pyOperational},
	{SyntaxErrorOrAccessRuleViolation, "42", pyProgramming},
	{WithCheckOptionViolation, "44", pyProgramming},
	{InsufficientResources, "53", pyOperational},
	{ProgramLimitExceeded, "54", pyOperational},
	{ObjectNotInPrerequisiteState, "55", pyOperational},
	{OperatorIntervention, "57", pyOperational},
	{SystemError, "58", pyOperational},
	{SnapshotFailure, "72", pyDatabase},
	{ConfigurationFileError, "F0", pyInternal},
	{ForeignDataWrapperError, "HV", pyOperational},
	{PLpgSQLError, "P0", pyInternal},
	{InternalError, "XX", pyInternal},
	{Canceled, "", pyOperational},
	{DeadlineExceeded, "", pyOperational},
	{BadConnection, "", pyInterface},
	{Busy, "", pyOperational},
	{Other, "", pyDatabase},
}

// Classes returns every class that there is.
func Classes() []Class {
	all := make([]Class, len(kinds))
	for i, k := range kinds {
		all[i] = k.class
	}
	return all
}

// SQLState returns the first two characters of the SQLSTATE codes of a class, "" for the classes that have none.
func (c Class) SQLState() string { return c.kind().sqlstate }

// PythonType returns the exception of Python's DB-API that stands for a class where django-prometheus' names are asked
// for: "IntegrityError". It is the one that psycopg2 raises.
func (c Class) PythonType() string { return c.kind().python }

// usual are the classes that are worth an alert or a look, and that most programs meet sooner or later. They are exposed
// as 0 from the start, so that rate() sees the first of them; the others from their first error on, since fifty
// series for every database would mostly say nothing.
var usual = []Class{
	Canceled, DeadlineExceeded, BadConnection, Busy, Other,
	ConnectionException, InvalidAuthorizationSpecification, OperatorIntervention, SystemError, InsufficientResources, InternalError,
	DataException, IntegrityConstraintViolation, SyntaxErrorOrAccessRuleViolation, InvalidTransactionState, TransactionRollback,
}

// UsualClasses returns the classes that are exposed as 0 before the first error; in django-prometheus' names all are.
func UsualClasses() []Class { return slices.Clone(usual) }

func (c Class) known() bool {
	return slices.ContainsFunc(kinds, func(k kind) bool { return k.class == c })
}

func (c Class) kind() kind {
	for _, k := range kinds {
		if k.class == c {
			return k
		}
	}
	return kind{c, "", pyDatabase}
}
