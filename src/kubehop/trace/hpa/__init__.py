"""The HPA controller: a model of its decision, its log, and the check of one by the other."""
