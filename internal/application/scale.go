package application

// Scale says how many replicas run, as a HorizontalPodAutoscaler does on Kubernetes and with its algorithm.
type Scale struct {
	// Min is the smallest number of replicas.
	Min int `yaml:"min" default:"1" min:"1" max:"10000"`
	// Max is the largest number of replicas.
	Max int `yaml:"max" required:"true" min:"1" max:"10000"`
	// On lists what the number follows; of several, the one that wants most decides. It may be left out when min and max
	// are the same: then the number is fixed.
	On []ScaleMetric `yaml:"on,omitempty"`
	// Behavior limits how fast the number moves, in autoscaling/v2's own words.
	Behavior *Behavior `yaml:"behavior,omitempty"`
}

// ScaleMetric is one signal and the value it should have. Exactly one of averageValue and value is given.
type ScaleMetric struct {
	// Signal names one of spec.signals.
	Signal string `yaml:"signal" required:"true"`
	// AverageValue is the value per replica, as a Kubernetes quantity: 10m is 0.01. A signal that keeps the label pod
	// becomes a metric of type Pods; of another one the total is divided by the number of replicas (type External).
	AverageValue *Quantity `yaml:"averageValue,omitempty"`
	// Value is the value of the whole signal, whatever the number of replicas, as a Kubernetes quantity (type External).
	Value *Quantity `yaml:"value,omitempty"`
}

// Behavior limits how fast the number of replicas moves.
type Behavior struct {
	// ScaleUp are the rules for more replicas.
	ScaleUp *ScalingRules `yaml:"scaleUp,omitempty"`
	// ScaleDown are the rules for fewer replicas.
	ScaleDown *ScalingRules `yaml:"scaleDown,omitempty"`
}

// ScalingRules are the rules for one direction, named as in autoscaling/v2 (HPAScalingRules).
type ScalingRules struct {
	// StabilizationWindowSeconds is how far back recommendations are remembered: up takes the smallest of them, down the
	// largest.
	StabilizationWindowSeconds *int32 `yaml:"stabilizationWindowSeconds,omitempty" min:"0" max:"3600"`
	// SelectPolicy says which of several policies counts; Disabled never moves in this direction.
	SelectPolicy string `yaml:"selectPolicy,omitempty" enum:"Max,Min,Disabled"`
	// Policies limit the change within a period. Left out, they are Kubernetes' own.
	Policies []ScalingPolicy `yaml:"policies,omitempty"`
	// Tolerance is the deviation that is ignored, as a quantity: 100m is 10 percent.
	Tolerance *Quantity `yaml:"tolerance,omitempty"`
}

// ScalingPolicy is one limit of change within a period, named as in autoscaling/v2 (HPAScalingPolicy).
type ScalingPolicy struct {
	// Type says what value counts.
	Type string `yaml:"type" required:"true" enum:"Pods,Percent"`
	// Value is the largest change, in replicas or in percent.
	Value int32 `yaml:"value" required:"true" min:"1" max:"2147483647"`
	// PeriodSeconds is the period that the change is counted in.
	PeriodSeconds int32 `yaml:"periodSeconds" required:"true" min:"1" max:"1800"`
}
